"""What runs the platform, apart from the platform itself."""
