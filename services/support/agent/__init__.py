"""The virtual agent: answers from articles, says where a piece stands, prefills a ticket."""
