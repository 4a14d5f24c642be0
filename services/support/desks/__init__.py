"""What every feature of support knows: desks, catalogue, opening hours, parties, limits."""
