"""The store, files and models behind the ports of tickets."""
