"""Lambda: functions, environments, invocation, event source mappings."""
