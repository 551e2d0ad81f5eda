import hmac
import json
import os
import sqlite3

from flask import Flask, request

app = Flask(__name__)
expected = f"Bearer {os.environ['APP_SECRET']}".encode()


def connect():
    return sqlite3.connect(os.environ.get("DATABASE", "app.db"))


with connect() as database:
    database.execute("CREATE TABLE IF NOT EXISTS handled (event_id TEXT PRIMARY KEY)")
    database.execute("CREATE TABLE IF NOT EXISTS calls (call_id TEXT PRIMARY KEY, outcome TEXT)")


@app.post("/webhook")
def webhook():
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
        # Hookswitch holds this destination until somebody sets the right secret; nothing is lost.
        return {"error": "Unauthorized"}, 401

    event = request.get_json()
    # The id of the event and what it does, in one transaction: both are there, or neither.
    with connect() as database:
        noted = database.execute(
            "INSERT OR IGNORE INTO handled VALUES (?)", (request.headers["webhook-id"],)
        )
        # Not noted: it was there already, and everything was done then.
        if noted.rowcount == 1 and event["eventType"] == "call.ended":
            outcome = event["data"]["data"].get("outcomeResult")
            database.execute(
                "INSERT OR REPLACE INTO calls VALUES (?, ?)", (event["callId"], json.dumps(outcome))
            )
    return {"received": True}


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "5000")))
