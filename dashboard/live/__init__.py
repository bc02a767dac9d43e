"""What browsers are told once a second: the hub, its frames and the WebSocket they travel on."""
