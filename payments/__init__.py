"""Taking payments: the gateways, and the page behind a payment link."""
