from tests.integration.fixtures import fresh_world, plan, world

__all__ = ["fresh_world", "plan", "world"]
