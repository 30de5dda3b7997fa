"""APPSYNC_JS: resolvers in JavaScript, checked when they are made and run in an engine with bounds.

The engine is loaded when the first resolver with code is made, and not before.
"""
