"""Every query of the product, one file per noun. They return models and hold no business rules."""
