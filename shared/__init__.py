"""Code shared by all services: vocabulary, circuit rules, contracts, runtime."""
