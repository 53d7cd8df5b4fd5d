"""One wire format each, both directions, ignorant of which side it plays."""
