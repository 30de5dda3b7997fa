"""The HTTP side of every process of the embedded AWS: who may ask, who answers, and in which shape."""
