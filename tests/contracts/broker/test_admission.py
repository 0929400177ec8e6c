"""Who gets in: certificates of the fleet's CA, in date, of admitted devices. Each × every broker."""

from __future__ import annotations

import pytest

from device_profiles import wire


def refused(house, device) -> bool:
    """Whether no session comes about. (In TLS 1.3 the server's refusal arrives after the client's handshake.)"""
    try:
        with house.client(device) as client:
            return client.connect() != 0
    except (OSError, EOFError):
        return True


def test_admitted_device_connects(house):
    assert not refused(house, house.take())


def test_no_certificate(house):
    assert refused(house, None)
