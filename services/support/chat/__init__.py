"""The live chat between those who ask and the desks, over WebSocket."""
