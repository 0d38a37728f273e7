"""A phone network and a provider on this machine: what Twilio does, without Twilio."""
