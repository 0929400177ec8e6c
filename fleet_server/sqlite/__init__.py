"""SQLite under the Store port, one file per part of the port; `fleet_server.store_sqlite` puts them together."""
