from orders import orders


async def test_next_order():
    assert not orders.next().done()


async def test_hear_of_it():
    orders.next().add_done_callback(orders.hear)
