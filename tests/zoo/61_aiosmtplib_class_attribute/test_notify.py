from notify import Mailer


async def test_welcome():
    assert (await Mailer.send("ann@example.org", "welcome"))[0] == {}


async def test_goodbye():
    assert (await Mailer.send("ann@example.org", "goodbye"))[0] == {}
