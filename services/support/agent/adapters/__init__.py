"""The store, files and models behind the ports of the virtual agent."""
