from .limiter import Limiter as Limiter
