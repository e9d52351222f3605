"""A local Discord: REST, gateway, CDN and members, with Discord's own limits and scripted faults."""
