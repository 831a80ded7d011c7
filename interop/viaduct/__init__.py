"""Viaduct: judges SIP over WebSocket, TLS, TCP and UDP, message by message."""

__version__ = "0.1.0"
