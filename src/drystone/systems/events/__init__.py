"""The `events` system: events, their people, companies and topics."""
