"""HTTP and Kafka."""
