"""Files and their names, as every tree of the product has them."""
