"""Those who are told: webhook endpoints and live subscribers, in a process of their own."""
