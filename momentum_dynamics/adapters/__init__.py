"""YellowFin where people train: `adapters.torch` and `adapters.optax`, each for its own library.

Neither is imported here, so that neither library is needed for the other.
"""
