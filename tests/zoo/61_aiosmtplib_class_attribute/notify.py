import os

import aiosmtplib


class Mailer:
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=int(os.environ["WL_SMTP"]), start_tls=False)

    @classmethod
    async def send(cls, to, text):
        if not cls.client.is_connected:
            await cls.client.connect()
        return await cls.client.sendmail("shop@example.org", [to], f"Subject: shop\n\n{text}")
