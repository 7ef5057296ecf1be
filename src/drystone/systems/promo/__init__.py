"""The system promo."""
