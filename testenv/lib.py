# SPDX-License-Identifier: GPL-2.0-only
"""The test bed under one name: see topology.py for what it looks like, host.py for a
namespace and its frames, gateway.py for the product in it, basics.py for the rest."""

# ruff: noqa: F401, F403
from basics import *
from gateway import Gateway, Stats, settings_words
from host import Host, Wire, attach_pass, inside, is_chatter
from topology import Topology, link_local_of
