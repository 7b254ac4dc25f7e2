"""Going back: undoing releases, earlier versions, retiring DAGs; asked for by people, or by itself."""
