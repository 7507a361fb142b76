"""Results used again, and one query where many ask the same; see docs/decisions/0016-cache.md."""

from aiser_app.query.cache.key import cache_key
from aiser_app.query.cache.result_cache import Fetched, How, ResultCache
from aiser_app.query.cache.uncached import Uncached

__all__ = ["Fetched", "How", "ResultCache", "Uncached", "cache_key"]
