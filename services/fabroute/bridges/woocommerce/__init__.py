"""A WooCommerce shop: ``order.created`` and ``order.updated`` come in; status, meta data and notes go back."""

from fabroute.bridges.woocommerce.inbox import WooCommerceInbox
from fabroute.bridges.woocommerce.shop import WooCommerceShop

__all__ = ["WooCommerceInbox", "WooCommerceShop"]
