"""The `dining` system: restaurants, dishes, and what people say of them."""
