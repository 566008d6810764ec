"""Solar vendor clouds as real HTTP servers over physical homes, for tests and demos.

Written from the vendors' documents; it shares no code with the integration.
"""

from .simulator import Simulator

__all__ = ["Simulator"]
