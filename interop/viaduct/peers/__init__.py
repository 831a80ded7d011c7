"""Scripted peers: user agents on all five transports with control over bytes, frames and timing."""
