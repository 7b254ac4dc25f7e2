"""What the shop's DAGs share. Several DAGs import it, so a change here touches all of them."""

from __future__ import annotations
