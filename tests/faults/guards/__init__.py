"""Every guard taken away, one by one: what goes wrong then must be found, or nothing proves that the guard works."""
