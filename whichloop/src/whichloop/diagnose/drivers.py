"""The drivers that whichloop knows by name, as a table."""

# A driver's object in plain words, and what a line of the driver in a traceback looks like: the one
# nearest to the program first.
DRIVERS = {
    "motor": ("MongoDB client", r"[\\/]motor[\\/]"),
    "sqlalchemy": ("database connection", r"[\\/]sqlalchemy[\\/]"),
    "asyncpg": ("database connection", r"[\\/]asyncpg[\\/]|asyncpg\."),
    "pymongo": ("MongoDB client", r"[\\/]pymongo[\\/]|AsyncMongoClient"),
    "redis": ("Redis connection", r"[\\/]redis[\\/]"),
    "httpx": ("HTTP connection", r"[\\/]httpcore[\\/]|[\\/]httpx[\\/]"),
    "aiohttp": ("HTTP session", r"[\\/]aiohttp[\\/]"),
    "grpc": ("gRPC channel", r"[\\/]grpc[\\/]"),
    "psycopg_pool": ("connection pool", r"[\\/]psycopg_pool[\\/]"),
}
NOUNS = {driver: noun for driver, (noun, _) in DRIVERS.items()}
