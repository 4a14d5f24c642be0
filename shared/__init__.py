"""What every service needs, written once: words, circuit rules, wire contracts, runtime."""
