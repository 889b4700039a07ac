"""A Shopify shop: ``orders/create`` and ``orders/cancelled`` come in, fulfilments and notes go back."""

from fabroute.bridges.shopify.inbox import ShopifyInbox
from fabroute.bridges.shopify.shop import ShopifyShop

__all__ = ["ShopifyInbox", "ShopifyShop"]
