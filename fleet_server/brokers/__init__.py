"""One room per broker engine; each is a `fleet_server.broker.Broker` and passes the one contract suite."""
