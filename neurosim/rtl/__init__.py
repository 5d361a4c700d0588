"""What ties the Verilog in ``rtl_models/`` to the chip description: header, flit layout, images, logs."""
