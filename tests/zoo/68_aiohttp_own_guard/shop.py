from aiohttp import web


async def prices(request):
    return web.json_response([1, 2, 3])


app = web.Application()
app.router.add_get("/prices", prices)
