"""What happens behind the stream: the processor and the archiver."""
