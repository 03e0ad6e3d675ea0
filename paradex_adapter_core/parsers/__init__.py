"""Bytes from the venue to messages: they change no state."""
