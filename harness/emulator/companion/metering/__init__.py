"""What the companion of a LocalStack makes of the requests that LocalStack served: usage and backlogs, under
the names and by the rules of the embedded AWS."""
