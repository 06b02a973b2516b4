"""Proofs that a feature is what it says: an independent oracle, random histories, and relations that must hold."""
