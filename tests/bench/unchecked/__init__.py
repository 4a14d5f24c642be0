"""Services as they would be without access control: for benches alone, and no setting of theirs."""
