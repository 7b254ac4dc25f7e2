"""Every query of the product, one file per noun; they return models and hold no business rules."""
