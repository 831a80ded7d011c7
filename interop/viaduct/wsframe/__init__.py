"""The oracle's own reading of the WebSocket protocol (RFC 6455): opening handshake and frames."""
