"""From a published message to its endpoints: queued, throttled, sent, tried again, dead-lettered."""
